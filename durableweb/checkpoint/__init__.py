"""Savers and their interface; `checkpoint.django` is the one that this project runs on."""
