"""Conversion: a Keras file becomes TFLite files with their contract, and a measurement of what each file lost.

load -> fold -> (equalise -> correct ->) quantise -> verify in a fresh process -> gate -> write, all or nothing.
"""
