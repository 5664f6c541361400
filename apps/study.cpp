// keel-study: every claim of the articles, put to the test.
#include <fmt/chrono.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "keel/core/build_info.h"
#include "keel/core/did_you_mean.h"
#include "keel/core/parallel.h"
#include "keel/data/load.h"
#include "keel/io/atomic_file.h"
#include "keel/train/progress_display.h"
#include "study/commit.h"
#include "study/study.h"
#include "support/command_line.h"
#include "support/interruption.h"
#include "support/recorded_run.h"
#include "support/run_directory.h"
#include "support/training_data.h"

namespace {

using namespace keel;
using apps::CommandLine;
using study::Claim;
using study::Json;

constexpr const char* kProgram = "keel-study";

// Whether what --quick and --full say, each alone or negated, is --full.
bool is_full(const CommandLine& command) {
  const bool quick_given = command.given("quick"), quick = command.flag("quick");
  const bool full = command.given("full") ? command.flag("full") : quick_given && !quick;
  if (quick_given && quick == full) {
    throw apps::UsageError(full ? "--quick and --full exclude each other"
                                : "expected either --quick or --full, found neither");
  }
  return full;
}

void declare(CommandLine& command) {
  command.add_flag("list",
                   "List the claims, or those that --claim names, and what testing each takes; then end");
  command.add("claim", "ID[,ID...]", "", "Test these claims");
  command.add_flag("all", "Test all claims");
  command.add_flag("quick", "Shorter training and coarser grids: for a look. The default");
  command.add_flag("full", "What the published results are of");
  command.add_number("seeds", "K", "5", "Repeat everything with K seeds, for intervals; at least 2");
  command.add_number("jobs", "N", "0", "Trials at the same time, one thread each; 0: as many as processors");
  command.add("out", "DIR", "runs/study",
              "Directory for results, made if need be. What it holds already is used and not run again");
  apps::add_data_source(command);
}

// ' (glossary: "5-10 times faster"; faster)'
std::string sources_of(const Claim& claim) {
  if (claim.sources.empty()) return "";
  std::string text;
  for (const study::Source& source : claim.sources) {
    text += (text.empty() ? "" : "; ") + study::name_of(source.article);
    if (!source.quote.empty()) text += fmt::format(": \"{}\"", source.quote);
  }
  return fmt::format(" ({})", text);
}

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", std::max(1.0, seconds));
  return fmt::format("{:.0f} min", seconds / 60);
}

void print_list(const std::vector<Claim>& claims, Index seeds) {
  for (const Claim& claim : claims) {
    fmt::print("{}\n  {}{}\n  question: {}\n  measure:  {}\n  cost:     {} quick, {} full, on one core\n",
               claim.id, claim.title, sources_of(claim), claim.question, claim.measure,
               duration(estimated_seconds(claim, study::Length::quick, seeds)),
               duration(estimated_seconds(claim, study::Length::full, seeds)));
  }
}

std::vector<Claim> chosen_claims(const CommandLine& command, std::vector<Claim> all) {
  const std::string& text = command.text("claim");
  if (command.flag("all") && command.given("claim")) {
    throw apps::UsageError("--all and --claim exclude each other");
  }
  if (command.flag("all") || (command.flag("list") && !command.given("claim"))) return all;
  if (!command.given("claim")) {
    throw apps::UsageError("expected --claim ID, --all or --list; --list names the claims");
  }
  std::vector<std::string> ids;
  for (const Claim& claim : all) ids.push_back(claim.id);
  std::vector<Claim> chosen;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string id = text.substr(begin, end - begin);
    const auto found = std::find(ids.begin(), ids.end(), id);
    if (found == ids.end()) {
      throw apps::UsageError(
          fmt::format("--claim: expected ids of claims, found '{}'{} (keel-study --list names all)", id,
                      did_you_mean_one_of(id, ids)));
    }
    const auto same = [&](const Claim& claim) { return claim.id == id; };
    if (std::any_of(chosen.begin(), chosen.end(), same)) {
      throw apps::UsageError(fmt::format("--claim: expected each id once, found '{}' twice", id));
    }
    chosen.push_back(all[static_cast<std::size_t>(found - ids.begin())]);
    begin = end + 1;
  }
  return chosen;
}

// As the system names it.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

Json machine() {
  utsname system = {};
  uname(&system);
  double load = 0;  // of the last minute: whether something else was running
  const bool is_known = getloadavg(&load, 1) == 1;
  return {{"processor", processor()},
          {"cores", std::thread::hardware_concurrency()},
          {"load_at_start", is_known ? Json(load) : Json(nullptr)},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)}};
}

std::string shown(double seconds) {
  const auto whole = static_cast<Index>(seconds + 0.5);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// A line for each claim whose trials are done, and on a terminal a bar below.
class ProgressLines {
 public:
  void show(const study::Study::Progress& progress) {
    const std::string left = shown(progress.seconds_left);
    if (!progress.trouble.empty()) display_.print("warning: " + progress.trouble);
    for (const std::string& claim : progress.claims) {
      display_.print(
          fmt::format("{}/{} trials  {} left  {}: done", progress.done, progress.trials, left, claim));
    }
    constexpr std::size_t kCells = 24;
    const std::size_t filled = progress.done * kCells / std::max<std::size_t>(1, progress.trials);
    display_.draw_bar(0,
                      fmt::format("[{}{}] {}/{} trials  {} left", std::string(filled, '='),
                                  std::string(kCells - filled, '-'), progress.done, progress.trials, left));
  }

 private:
  train::ProgressDisplay display_;
};

Json part_record(const data::Dataset& dataset) {
  return {{"examples", dataset.size()}, {"crc32", dataset.fingerprint()}};
}

Json record_of(bool full, const std::vector<std::string>& arguments) {
  const BuildInfo build = build_info();
  Json articles;
  for (const study::Article article : study::all_articles()) articles[name_of(article)] = title_of(article);
  return {{"program", kProgram},
          {"version", build.version},
          {"compiler", build.compiler},
          {"build_type", build.build_type},
          {"isa", build.isa},
          {"command", fmt::format("{}", fmt::join(arguments, " "))},
          {"length", full ? "full" : "quick"},
          {"machine", machine()},
          {"articles", articles},
          {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
}

void print_verdicts(const Json& claims) {
  for (const Json& claim : claims) {
    const bool complete = claim.at("complete");
    const std::string verdict = complete                   ? claim.at("verdict").get<std::string>()
                                : claim.contains("failed") ? "failed"
                                                           : "not finished";
    const std::string words = complete ? claim.at("sentence").get<std::string>() : claim.value("failed", "");
    fmt::print("{:<34} {}\n{}", claim.at("id").get<std::string>(), verdict,
               words.empty() ? "" : fmt::format("    {}\n", words));
  }
}

// Adds to the chosen claims those that an earlier call with this directory has finished: their trials are
// there, and they stay in the record, as does when it started.
//   throws: FileError if that call was of other seeds, another length or other data, whose results would be
//   lost
void add_finished_claims(std::vector<Claim>& chosen, const std::filesystem::path& path, Json& record) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  constexpr std::size_t kMostBytes = std::size_t{1} << 26;
  const std::string text = io::read_file(path, kMostBytes);
  const Json earlier = Json::parse(text, nullptr, false);
  for (const char* key : {"length", "seeds", "data"}) {
    const Json found = earlier.is_object() ? earlier.value(key, Json()) : Json();
    check<FileError>(
        // In whatever order of keys.
        nlohmann::json(found) == nlohmann::json(record.at(key)),
        "{}: expected the results of a study with the {} {}, found {}; remove it (its "
        "trials stay), or name another directory by --out",
        path.string(), key, record.at(key).dump(), found.dump());
  }
  const Json isa = earlier.value("isa", Json());
  check<FileError>(isa == record["isa"],
                   "{}: expected trials of kernels for {}, as those here are, found them of {}, which round "
                   "differently; name another directory by --out, or set KEEL_ISA",
                   path.string(), record["isa"].dump(), isa.dump());
  // When it began, at what load, and how long it took until now, if that is known.
  record["started"] = earlier.value("started", record["started"]);
  const Json machine = earlier.value("machine", Json());
  const Json load = machine.is_object() ? machine.value("load_at_start", Json()) : Json();
  record["machine"]["load_at_start"] = load.is_number() ? load : Json();
  const Json seconds = earlier.value("wall_seconds", Json());
  record["wall_seconds"] = seconds.is_number() ? seconds : Json();
  const Json claims = earlier.value("claims", Json::array());
  for (const Claim& claim : study::all_claims()) {
    const auto is_it = [&](const Claim& other) { return other.id == claim.id; };
    if (std::any_of(chosen.begin(), chosen.end(), is_it)) continue;
    const auto finished = [&](const Json& one) {
      return one.is_object() && one.value("id", "") == claim.id && one.value("complete", false);
    };
    if (std::any_of(claims.begin(), claims.end(), finished)) chosen.push_back(claim);
  }
}

int run(int argc, char** argv) {
  CommandLine command(kProgram,
                      "Tests what articles say of Batch Normalization: trains networks, compares, and\n"
                      "judges.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  const Index seeds = command.integer("seeds", 2, 1000);
  const bool full = is_full(command);
  std::vector<Claim> claims = chosen_claims(command, study::all_claims());
  if (command.flag("list")) {
    print_list(claims, seeds);
    return 0;
  }
  if (command.text("out").empty()) throw apps::UsageError("--out: expected a directory, found ''");
  const Index processors = std::max<Index>(1, std::thread::hardware_concurrency());
  const Index asked = command.integer("jobs", 0, 1024);
  std::vector<std::string> arguments = {kProgram};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  Json record = record_of(full, arguments);
  set_num_threads(1);
  apps::RunDirectory directory(command.text("out"), {apps::kStudyRecord}, apps::Existing::resume);
  directory.require_none_of(apps::records_of_other_programs(kProgram));
  const data::TrainTest sets = apps::load_source(command);
  record["data"] = {{"name", data::name_of_data_set(command.text("data"), sets)},
                    {"training", part_record(*sets.train)},
                    {"test", part_record(*sets.test)}};
  for (Index seed = 1; seed <= seeds; ++seed) record["seeds"].push_back(seed);
  directory.prepare({});
  add_finished_claims(claims, directory.path() / apps::kStudyRecord, record);
  apps::watch_for_interruption("keeping the trials that are finished");
  study::Study study(claims,
                     {.commit = study::built_from(),
                      .length = full ? study::Length::full : study::Length::quick,
                      .seeds = seeds,
                      .jobs = asked == 0 ? processors : asked,
                      .training = sets.train,
                      .test = sets.test,
                      .interrupted = apps::interrupted},
                     directory.path());
  record["jobs"] = asked == 0 ? processors : asked;
  // Trials of an earlier call may be of another.
  record["judged_by"] = study::built_from();
  const std::filesystem::path file = directory.path() / apps::kStudyRecord;
  const Json earlier_wall_seconds = record.value("wall_seconds", Json(0.0));
  const auto start = std::chrono::steady_clock::now();
  const auto save = [&] {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    record["commits"] = study.commits();
    record["seconds"] = study.seconds();
    record["wall_seconds"] =
        earlier_wall_seconds.is_number() ? Json(earlier_wall_seconds.get<double>() + wall.count()) : Json();
    record["claims"] = study.claims();
    apps::write_json(file, record);
  };
  // From the beginning the directory tells other programs whose it is.
  if (!std::filesystem::exists(file)) save();
  bool finished = false;
  {
    ProgressLines lines;
    finished = study.run([&](const auto& progress) {
      lines.show(progress);
      if (!progress.claims.empty()) save();  // so that little is lost to a kill but the trials that run
    });
  }
  save();
  print_verdicts(record["claims"]);
  if (!full) {
    fmt::print(
        "\nThis was a quick study, for a look: a full one (--full) trains longer and on finer grids, and its "
        "verdicts may be others.\n");
  }
  fmt::print("\nresults: {}\n", file.string());
  if (!finished) {
    fmt::print(stderr, "interrupted; the same command goes on\n");
    return apps::interrupted_status();
  }
  const auto failed = [](const Json& claim) { return claim.contains("failed"); };
  return std::any_of(record["claims"].begin(), record["claims"].end(), failed) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
