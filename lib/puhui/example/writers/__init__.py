"""Writers: tables of the example county become the files clerks would send."""
