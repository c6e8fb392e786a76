"""RabbitMQ: the hub's own broker and brokers that units run. pika's one home.

What lives here speaks AMQP and the broker's management interface; it keeps no letter, and what arrives it hands in.
"""
