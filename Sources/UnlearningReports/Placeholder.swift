import Plotting
import Unlearning
