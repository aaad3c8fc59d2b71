"""Passes over memory and checks of tensors: what every floor above stands on."""
