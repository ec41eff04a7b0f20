"""The simulation study of energy: known powers through modelled sensors, measured on the product's own path.

`python -m studies.energy --help`; the page it writes is docs/uncertainty.md.
"""
