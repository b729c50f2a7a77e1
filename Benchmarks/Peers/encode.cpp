// prometheus-cpp with a counter in 42 families for each stream.   encode STREAMS
//
// Prints processor nanoseconds a line of exposition.
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

static double processor_ns() {
    rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int streams = atoi(argv[1]);
    prometheus::Registry registry;
    std::vector<prometheus::Counter *> children;
    for (int f = 0; f < 42; f++) {
        auto &family = prometheus::BuildCounter()
                           .Name("holdfast_stream_value_" + std::to_string(f) + "_total")
                           .Help("A value.")
                           .Register(registry);
        for (int s = 0; s < streams; s++) {
            children.push_back(&family.Add({{"stream", "stream-" + std::to_string(s)},
                                            {"profile", "genesys-architect"},
                                            {"tenant", "tenant-" + std::to_string(s % 50)}}));
        }
    }
    prometheus::TextSerializer serializer;
    std::vector<double> times;
    for (int round = 0; round < 5; round++) {
        for (auto child : children) child->Increment(10007);
        double began = processor_ns();
        std::string text = serializer.Serialize(registry.Collect());
        double elapsed = processor_ns() - began;
        times.push_back(elapsed / std::count(text.begin(), text.end(), '\n'));
    }
    std::sort(times.begin(), times.end());
    printf("%.1f\n", times[2]);
    return 0;
}
