"""How good a model is: metrics with intervals, overall and by slice, and the plots people look at."""
