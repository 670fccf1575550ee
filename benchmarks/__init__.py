"""What is tracked: latency, accuracy drift, robustness, and the alternatives, each as ratios within one run.

Usage:
    pytest benchmarks/                          gates and a table; finds the data set in FER2013 or data/
    pytest benchmarks/peers --peers             what people would use instead, in virtual environments of its own
    python -m benchmarks.update_reference       accept the shipped models as the new reference
    python -m benchmarks.report                 the images and tables of docs/benchmarks.md
"""
