"""The operator's drill: real faults under `make serve`; when is each told, where, in which words, and when is it over?"""
