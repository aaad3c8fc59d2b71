"""`python -m torch_impl.experiments NAME ...`: train the experiments of the documentation anew."""

from torch_impl.experiments.runs import main

if __name__ == "__main__":
    main()
