"""How a unit is reached: the settings of each transport, as a profile writes them. One file for each way."""
