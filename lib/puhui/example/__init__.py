"""An invented county to run, learn from and test on, with its own exact answers.

``make(out, seed=…, scale=…)`` writes the files sixteen banks and four insurers would send for
nine quarters, and beside them the truth: what the generator did, never what the suite says.
:func:`grow` gives the county itself, :class:`Reports` what is reported of it. Nothing here
imports what is under test.
"""

from puhui.example.county import County
from puhui.example.making import Made, files_of, make
from puhui.example.reporting import Reports
from puhui.example.roster import QUARTERS, ROSTER
from puhui.example.world import grow

__all__ = ["QUARTERS", "ROSTER", "County", "Made", "Reports", "files_of", "grow", "make"]
