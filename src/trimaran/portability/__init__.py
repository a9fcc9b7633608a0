"""Does it start there: predict before a build, prove by running, blame what brought the need, and mend it."""
