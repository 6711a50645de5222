"""The lecturer's part: release what students get, collect what they hand in, grade it, report on a class."""
