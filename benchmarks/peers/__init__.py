"""Compares alternatives (peers), each in its own virtual environment and process, measured in turns.

test_peers.py (the table and the claims) -> measure.py (rounds, in turns) -> worker.py (one process per peer)
-> one file per peer: edge_pipeline, edge_haar, original_loop, fer_package, keras_predict, opencv_dnn, onnx_runtime
"""
