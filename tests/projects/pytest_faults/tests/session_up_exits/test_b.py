def test_1(thing):
    pass


def test_2(thing):
    pass


def test_3_without():
    pass
