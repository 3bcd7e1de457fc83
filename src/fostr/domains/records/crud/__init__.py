"""Records and recordsets under `/crud`: whole objects by id, for programs that keep copies of them.

The same services as under `/records` and `/recordsets` do the work, so the two agree in rights, history and events.
"""
