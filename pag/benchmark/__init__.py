"""Measure what skipping saves: ``python -m pag.benchmark``.

The network as a whole (`network`), its layers one by one (`proportion`), their 3x3 convolutions
beside another library's (`convolutions`), MultiPool (`pooling`), memory (`memory`), and how well
times asked for are met (`times`). All times keep the contract of `pag.timing`.
"""
