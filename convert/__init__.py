"""Conversion: a Keras file becomes TFLite files that carry their contract and the proof of what they lost.

load -> fold -> (equalise -> correct ->) quantise -> verify in a fresh process -> gate -> write, all or nothing.
"""
