"""Events, the columnar log and the folds: pure, synchronous, no clock, no disk, no screen."""
