// Tell the e3p agent on this machine what your program is doing: one header, C++11, POSIX, nothing else.
//
//     e3p::Marks marks;
//     marks.prepare("night-1");                            // a second before is enough
//     {
//         e3p::Trial trial(marks, {"my_vit", "imagenet-1k", "night-1", 8, 0});
//         for (const auto& batch : batches) {
//             const auto begin = e3p::now_ns();
//             run(batch);                                   // wait for the device before the second stamp
//             trial.batch(begin, e3p::now_ns(), batch.size());
//         }
//     }                                                     // the window closes; an exception aborts it
//
// No call throws or blocks, with an agent or without one. What the socket refuses is kept, up to 4,096 lines,
// and sent with the next call; the end of a trial gives a busy agent 0.2 s. The line format: docs/marks.md.
#ifndef E3P_MARKS_HPP
#define E3P_MARKS_HPP

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

namespace e3p {

// The clock of all marks: nanoseconds of CLOCK_MONOTONIC.
inline std::int64_t now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", c);
            out += code;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

// The numbered lines of this process, sent in order. Make one and keep it; threads may share it.
class Marks {
public:
    Marks() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    ~Marks() {
        drain_for(0.2);
        if (socket_ >= 0) ::close(socket_);
    }
    Marks(const Marks&) = delete;
    Marks& operator=(const Marks&) = delete;

    void prepare(const std::string& group) { say("prepare", "\"group\":" + quoted(group)); }
    void idle_begin(const std::string& group) { say("idle_begin", "\"group\":" + quoted(group)); }
    void idle_end(const std::string& group) { say("idle_end", "\"group\":" + quoted(group)); }

    // One line; `fields` is the rest of its JSON object.
    void say(const char* kind, const std::string& fields, std::int64_t t = now_ns()) {
        const std::lock_guard<std::mutex> lock(mutex_);
        kept_.push_back("{\"v\":1,\"pid\":" + std::to_string(getpid()) + ",\"n\":" + std::to_string(n_++) +
                        ",\"kind\":\"" + kind + "\",\"t\":" + std::to_string(t) + "," + fields + "}");
        if (kept_.size() > 4096) kept_.pop_front();  // the hole in the numbers tells the agent
        drain();
    }

    // Gives an agent that is there, but busy, so long to take what it has refused.
    void drain_for(double seconds) {
        const std::int64_t until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        for (;;) {
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                if (!drain()) return;
            }
            if (now_ns() >= until) return;
            const timespec pause = {0, 2000000};
            nanosleep(&pause, nullptr);
        }
    }

private:
    // Whether an agent is there and too busy for the rest.
    bool drain() {
        while (!kept_.empty()) {
            const int refused = send(kept_.front());
            if (refused != 0 && refused != EMSGSIZE) return refused == EAGAIN || refused == ENOBUFS;
            kept_.pop_front();
        }
        return false;
    }

    int send(const std::string& line) {
        int refused = ENOENT;
        for (const std::string& path : paths()) {
            sockaddr_un to = {};
            to.sun_family = AF_UNIX;
            if (path.size() >= sizeof to.sun_path) continue;
            path.copy(to.sun_path, sizeof to.sun_path - 1);
            if (sendto(socket_, line.data(), line.size(), MSG_DONTWAIT,
                       reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0)
                return 0;
            refused = errno;
            if (refused == EAGAIN || refused == ENOBUFS) break;
        }
        return refused;
    }

    static std::vector<std::string> paths() {
        const char* named = std::getenv("E3P_SOCKET");
        if (named && *named) return {named};
        std::vector<std::string> found = {"/run/e3p/marks.sock"};
        if (const char* personal = std::getenv("XDG_RUNTIME_DIR"))
            found.push_back(std::string(personal) + "/e3p/marks.sock");
        return found;
    }

    const int socket_;
    std::uint64_t n_ = 0;
    std::deque<std::string> kept_;
    std::mutex mutex_;
};

// What a trial is of. `precision`, `backend` and `protocol` (a JSON object) may be empty.
struct About {
    std::string model, dataset, group;
    int batch_size, index;
    std::string precision, backend, protocol;

    About(std::string model_, std::string dataset_, std::string group_, int batch_size_, int index_)
        : model(std::move(model_)), dataset(std::move(dataset_)), group(std::move(group_)),
          batch_size(batch_size_), index(index_) {}
};

// One measured trial: its window is the object's life, and an exception that ends it aborts it.
class Trial {
public:
    Trial(Marks& marks, const About& about) : marks_(marks), id_(unique_id()) {
        std::string fields = "\"trial\":" + quoted(id_) + ",\"model\":" + quoted(about.model) +
                             ",\"dataset\":" + quoted(about.dataset) + ",\"group\":" + quoted(about.group) +
                             ",\"batch_size\":" + std::to_string(about.batch_size) +
                             ",\"index\":" + std::to_string(about.index);
        if (!about.precision.empty()) fields += ",\"precision\":" + quoted(about.precision);
        if (!about.backend.empty()) fields += ",\"backend\":" + quoted(about.backend);
        if (!about.protocol.empty()) fields += ",\"protocol\":" + about.protocol;
        marks_.say("trial_begin", fields);
        sent_ns_ = now_ns();
    }
    ~Trial() {
        const std::int64_t t = now_ns();
        flush(t);
        std::string fields = "\"trial\":" + quoted(id_) + ",\"status\":\"" +
                             (unwinding() > unwinding_ ? "aborted" : "ok") +
                             "\",\"images\":" + std::to_string(images_);
        if (counted_ && images_ > 0) fields += ",\"correct\":" + std::to_string(correct_);
        marks_.say("trial_end", fields, t);
        marks_.drain_for(0.2);
    }
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    const std::string& id() const { return id_; }

    // One batch, its second stamp taken after the device was synchronised; `correct` below 0 is not known.
    void batch(std::int64_t begin_ns, std::int64_t end_ns, int images, int correct = -1) {
        const std::string comma = begin_.empty() ? "" : ",";
        begin_ += comma + std::to_string(begin_ns);
        end_ += comma + std::to_string(end_ns);
        sizes_ += comma + std::to_string(images);
        right_ += comma + std::to_string(correct);
        images_ += images;
        correct_ += correct;
        line_counted_ = line_counted_ && correct >= 0;
        counted_ = counted_ && correct >= 0;
        // A line every second at most, and never near the 60 kB that a datagram takes.
        if (now_ns() - sent_ns_ > INT64_C(1000000000) || begin_.size() > 12000) flush(now_ns());
    }

private:
    void flush(std::int64_t t) {
        if (begin_.empty()) return;
        std::string fields = "\"trial\":" + quoted(id_) + ",\"begin\":[" + begin_ + "],\"end\":[" + end_ +
                             "],\"images\":[" + sizes_ + "]";
        if (line_counted_) fields += ",\"correct\":[" + right_ + "]";
        marks_.say("batches", fields, t);
        begin_.clear(), end_.clear(), sizes_.clear(), right_.clear();
        line_counted_ = true;
        sent_ns_ = t;
    }

    // How many exceptions are on their way: more than at the begin means that one ends this trial.
    static int unwinding() {
#if __cplusplus >= 201703L
        return std::uncaught_exceptions();
#else
        return std::uncaught_exception() ? 1 : 0;
#endif
    }

    static std::string unique_id() {
        std::random_device source;
        char text[17];
        std::snprintf(text, sizeof text, "%08x%08x", source(), source());
        return text;
    }

    Marks& marks_;
    const std::string id_;
    std::string begin_, end_, sizes_, right_;
    long long images_ = 0, correct_ = 0;
    const int unwinding_ = unwinding();
    bool counted_ = true, line_counted_ = true;
    std::int64_t sent_ns_ = 0;
};

}  // namespace e3p

#endif
