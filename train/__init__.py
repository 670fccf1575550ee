"""Training on FER-2013: constants, data, model, compile, fit, evaluate, report, in this order."""
