"""Teams: groups of members, to which rights are granted as to one."""
