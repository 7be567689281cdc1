"""What each input of a model adds to its log odds: computed by numpy alone, without the library that trained it."""
