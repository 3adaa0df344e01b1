"""Where a number comes from: the code, the packages, the machine and the conditions it was computed under."""
