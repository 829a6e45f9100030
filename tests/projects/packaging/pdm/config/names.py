def name() -> None:
    print("the shop")
