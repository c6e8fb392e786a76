def add_arguments(p):
    pass


async def run(a):
    return 0
