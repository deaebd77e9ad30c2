"""What people read: the data card, the pictures, the licences."""
