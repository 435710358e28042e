#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/evidence/gatherer.hpp"
#include "lib/evidence/reader.hpp"

namespace portcullis::evidence {

/// The facts of one image, and how old the oldest discovery is that they rest on.
struct Collected {
  policy::ImageFacts facts;
  std::chrono::steady_clock::time_point oldest;
};

/// Answers one question through the reader: which places may hold evidence, which of what lies
/// there is worth fetching, and what each authority says to it. Any thread.
///
/// * The referrers of the image are always asked; those of its platforms' manifests when something
///   other than a signature is required, also where the index itself has such evidence: of an
///   authority's scans the newest counts, wherever it lies.
/// * The legacy tags are asked only when an authority allows that format: `.att` when it could hold
///   something required, `.sig` when an authority has no signature among the bundles.
/// * What an authority's evidenceRepositories hold is asked in the same way.
/// * Without a required type that a key vouches for, only the image itself is read.
class Collector {
 public:
  /// Both must outlive it.
  Collector(Reader& reader, runtime::WorkerPool& pool) : reader_(reader), pool_(pool) {}

  /// Discoveries older than `max_age` are made anew. An error is what could not be found out; with
  /// an asker that may not fetch, any error means: not all of it is in the caches.
  Result<Collected> collect(const Question& question, std::chrono::seconds max_age,
                            const Asker& asker) const;

  /// True when of some required type nobody who vouches for it has said anything. Pure.
  static bool misses_something(const Question& question, const policy::ImageFacts& facts);

 private:
  Reader& reader_;
  runtime::WorkerPool& pool_;
};

}  // namespace portcullis::evidence
