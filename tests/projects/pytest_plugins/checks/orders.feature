Feature: Orders
    Scenario: An order has a total
        Given an order
        When it gets a line
        Then it has a total

    Scenario: A step fails
        Given an order
        Then it has a total
