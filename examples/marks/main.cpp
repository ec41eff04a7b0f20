// A program that measures itself: some arithmetic in batches, marked as one trial.
//
//     g++ -std=c++11 -O2 -o toy examples/marks/main.cpp && ./toy 5
#include "e3p_marks.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

// Some work that the compiler cannot leave out.
static double work(int images) {
    double sum = 0;
    for (int i = 0; i < images * 200000; ++i) sum += std::sqrt(static_cast<double>(i));
    return sum;
}

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 5;
    const int images = 8;
    e3p::Marks marks;
    marks.prepare("cpp");
    const timespec prepared = {1, 0};
    nanosleep(&prepared, nullptr);

    double sum = work(images);  // warm-up, outside of the window
    e3p::About about("square_roots", "none", "cpp", images, 0);
    about.backend = "c++";
    e3p::Trial trial(marks, about);
    const std::int64_t end = e3p::now_ns() + static_cast<std::int64_t>(seconds * 1e9);
    while (e3p::now_ns() < end) {
        const std::int64_t begin = e3p::now_ns();
        sum += work(images);
        trial.batch(begin, e3p::now_ns(), images);
    }
    std::printf("%s %.0f\n", trial.id().c_str(), sum);
}
