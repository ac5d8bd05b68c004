"""Mutation testing of the SQL: small changes to models that tests must notice.

`make mutation` runs it; `python -m mutation --help` tells the choices.
"""
