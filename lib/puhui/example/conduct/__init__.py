"""What institutions do about each clause of the notice, and the registers that show it."""
