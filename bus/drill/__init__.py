"""Breaking it on purpose: a hub of its own in a scratch folder, hosts that promise, and somebody who kills.

``guardia drill delivery`` (``bus.drill.delivery``) starts the real programs (``hub``) and processes of hosts that keep
a journal of what they made durable (``hosts``), kills and stops them at random under load, and then holds the store to
the journal (``account``). Nothing of it touches a hub that runs on this machine.
"""
