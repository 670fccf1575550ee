"""Benchmarks of latency, accuracy drift, robustness and alternatives; times are compared as ratios within one run.

Usage:
    pytest benchmarks/                          gates and a table; finds the data set in FER2013 or data/
    pytest benchmarks/peers --peers             alternatives, each in its own virtual environment
    python -m benchmarks.update_reference       accept the shipped models as the new reference
    python -m benchmarks.report                 the images and tables of docs/benchmarks.md
"""
