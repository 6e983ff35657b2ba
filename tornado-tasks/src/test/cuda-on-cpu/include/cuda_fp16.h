#include "work_items.hpp"
