import Unlearning

print("the command line is being built")
