"""puhui (普惠): quarterly supervision of small and micro enterprise lending."""

__version__ = "0.1.0"
