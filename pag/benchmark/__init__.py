"""Measure what skipping saves: ``python -m pag.benchmark``.

The network as a whole (`network`), its layers one by one (`proportion`), their 3x3 convolutions
beside another library's (`convolutions`), MultiPool (`pooling`), and memory (`memory`). All
times keep the contract of `pag.timing`.
"""
