"""A second, independent computation of the published tables.

It is written from the specification alone, in plain Python, and shares
nothing with the dbt models: where the two agree, both have read the same
sentence the same way.
"""
