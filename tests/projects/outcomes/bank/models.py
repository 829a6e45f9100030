from django.db import models, transaction
from django.db.models import F, Q


class Account(models.Model):
    owner = models.CharField(max_length=40, unique=True)
    balance = models.IntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(balance__gte=0), name="balance_not_negative")]

    def __str__(self):
        return self.owner


class Transfer(models.Model):
    source = models.ForeignKey(Account, models.CASCADE, related_name="sent")
    target = models.ForeignKey(Account, models.CASCADE, related_name="received")
    amount = models.PositiveIntegerField()


@transaction.atomic
def transfer(source, target, amount):
    made = Transfer.objects.create(source=source, target=target, amount=amount)
    Account.objects.filter(pk=target.pk).update(balance=F("balance") + amount)
    Account.objects.filter(pk=source.pk).update(balance=F("balance") - amount)
    return made
