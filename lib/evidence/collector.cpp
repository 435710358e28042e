#include "lib/evidence/collector.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "lib/evidence/parallel.hpp"
#include "lib/policy/evidence_rules.hpp"

namespace portcullis::evidence {
namespace {

using api::EvidenceType;
using std::chrono::steady_clock;

// verification.md §2.4; shared by the places, but each may have a few.
constexpr std::size_t kMaxCandidates = 64;
constexpr std::size_t kFewCandidates = 4;
constexpr std::size_t kMaxRejected = 8;

bool has(const std::vector<EvidenceType>& types, EvidenceType type) {
  return std::ranges::find(types, type) != types.end();
}

/// Required types that some key among the authorities vouches for.
std::vector<EvidenceType> wanted_types(const Question& question) {
  std::vector<EvidenceType> wanted;
  for (const auto type : question.required) {
    const bool vouched = std::ranges::any_of(question.authorities, [&](const auto* authority) {
      return !authority->is_pin() && authority->vouches_for(type);
    });
    if (vouched && !has(wanted, type)) wanted.push_back(type);
  }
  return wanted;
}

bool has_claim(const policy::ImageFacts& facts, const verify::Authority& authority,
               EvidenceType type) {
  const auto found = facts.by_authority.find(authority.fingerprint());
  return found != facts.by_authority.end() &&
         std::ranges::any_of(found->second.claims, [&](const verify::Claim& claim) {
           return authority.allows(claim.format) && policy::is_evidence(claim, type);
         });
}

// Not this candidate, but the others may still do; anything else is "could not find out".
bool is_about_one_candidate(const Error& error) {
  return error.code() == ErrorCode::kInvalidArgument || error.code() == ErrorCode::kNotFound;
}

/// One question's way through the reader.
class Collection {
 public:
  Collection(Reader& reader, runtime::WorkerPool& pool, const Question& question,
             std::chrono::seconds max_age, const Asker& asker)
      : reader_(reader), pool_(pool), question_(question), max_age_(max_age), asker_(asker) {}

  Result<Collected> run() {
    wanted_ = wanted_types(question_);
    TRY_VOID(find_image());
    for (const auto* authority : question_.authorities) {
      if (!authority->is_pin()) facts_.by_authority.try_emplace(authority->fingerprint());
    }
    if (!wanted_.empty()) {
      TRY_VOID(find_repositories());
      TRY_VOID(look_into(first_places()));
      TRY_VOID(look_into(signature_places()));
    }
    return Collected{std::move(facts_), oldest_};
  }

 private:
  struct Candidate {
    Place place;
    Lead lead;
  };
  // What one parallel step found, in the order of its tasks.
  template <typename T>
  using Results = std::vector<std::optional<Result<T>>>;

  /// Does `work` for each index: at once where only caches are read, on idle threads otherwise.
  template <typename T, typename Work>
  Results<T> each(std::size_t count, const Work& work) {
    Results<T> results(count);
    const auto one = [&](std::size_t i) { results[i].emplace(work(i)); };
    if (asker_.may_fetch && count > 1) {
      parallel(pool_, count, one);
    } else {
      for (std::size_t i = 0; i < count; ++i) one(i);
    }
    return results;
  }

  Result<void> find_image() {
    auto reference = question_.reference;
    reference.digest = TRY(reader_.resolve(reference, asker_));
    const auto image = TRY(reader_.image(reference, asker_));
    facts_.name = reference.name();
    facts_.digest = image->digest;
    if (image->is_index) {
      facts_.platforms = select_platforms(*image, question_.platforms);
      for (const auto& child : image->platforms) children_.push_back(child.digest);
    }
    return {};
  }

  Result<void> find_repositories() {
    repositories_ = {question_.reference};
    for (const auto* authority : question_.authorities) {
      for (const auto& text : authority->evidence_repositories()) {
        const auto repository = TRY(with_context(oci::parse_reference(text),
                                                 "evidenceRepositories of " + authority->name()));
        const bool known = std::ranges::any_of(
            repositories_, [&](const auto& other) { return other.name() == repository.name(); });
        if (!known) repositories_.push_back(repository);
      }
    }
    return {};
  }

  std::vector<Place> places(Place::Kind kind, const std::vector<std::string>& subjects) const {
    std::vector<Place> places;
    for (std::size_t i = 0; i < repositories_.size(); ++i) {
      for (const auto& subject : subjects) {
        places.push_back({kind, repositories_[i], subject, i == 0});
      }
    }
    return places;
  }

  std::vector<Place> first_places() const {
    const bool attested = std::ranges::any_of(
        wanted_, [](EvidenceType type) { return type != EvidenceType::kSignature; });
    std::vector<std::string> subjects{facts_.digest};
    if (attested) {
      for (const auto& platform : facts_.platforms) {
        if (std::ranges::find(subjects, platform.digest) == subjects.end()) {
          subjects.push_back(platform.digest);
        }
      }
    }
    auto all = places(Place::Kind::kReferrers, subjects);
    const bool legacy = std::ranges::any_of(question_.authorities, [&](const auto* authority) {
      return !authority->is_pin() && authority->allows(verify::Format::kLegacyAttestation) &&
             std::ranges::any_of(wanted_, [&](EvidenceType type) {
               return type != EvidenceType::kSignature && authority->vouches_for(type);
             });
    });
    if (legacy) {
      auto tags = places(Place::Kind::kLegacyAttestations, subjects);
      std::ranges::move(tags, std::back_inserter(all));
    }
    return all;
  }

  std::vector<Place> signature_places() const {
    const bool lacks_signature =
        has(wanted_, EvidenceType::kSignature) &&
        std::ranges::any_of(question_.authorities, [&](const auto* authority) {
          return !authority->is_pin() && authority->allows(verify::Format::kLegacySignature) &&
                 authority->vouches_for(EvidenceType::kSignature) &&
                 !has_claim(facts_, *authority, EvidenceType::kSignature);
        });
    if (!lacks_signature) return {};
    return places(Place::Kind::kLegacySignatures, {facts_.digest});
  }

  Result<void> look_into(const std::vector<Place>& places) {
    const auto discoveries = each<std::shared_ptr<const Discovery>>(
        places.size(),
        [&](std::size_t i) { return reader_.discover(places[i], max_age_, asker_); });
    std::vector<Candidate> candidates;
    std::vector<std::pair<Place, oci::Descriptor>> referrers;
    const auto share =
        std::max(kFewCandidates, kMaxCandidates / std::max<std::size_t>(1, places.size()));
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto& discovery = *discoveries[i];
      if (!discovery) return discovery.error();
      oldest_ = std::min(oldest_, (*discovery)->asked);
      if (places[i].kind == Place::Kind::kReferrers) {
        for (auto& referrer : worth_opening((*discovery)->found, share)) {
          referrers.emplace_back(places[i], std::move(referrer));
        }
      } else {
        auto leads = leads_of_legacy((*discovery)->found);
        facts_.candidates += leads.size();
        for (auto& lead : leads) candidates.push_back({places[i], std::move(lead)});
      }
    }
    TRY_VOID(open(referrers, candidates));
    return verify(candidates);
  }

  std::vector<oci::Descriptor> worth_opening(const std::vector<oci::Descriptor>& found,
                                             std::size_t share) {
    std::vector<oci::Descriptor> worth;
    for (const auto& referrer : found) {
      if (!may_be_evidence(referrer)) continue;
      ++facts_.candidates;
      if (may_be_wanted(referrer, wanted_)) worth.push_back(referrer);
    }
    return choose(std::move(worth), share);
  }

  Result<void> open(const std::vector<std::pair<Place, oci::Descriptor>>& referrers,
                    std::vector<Candidate>& candidates) {
    const auto opened = each<std::vector<Lead>>(referrers.size(), [&](std::size_t i) {
      return reader_.open(referrers[i].first, referrers[i].second, asker_);
    });
    for (std::size_t i = 0; i < referrers.size(); ++i) {
      const auto& leads = *opened[i];
      if (!leads) {
        if (!is_about_one_candidate(leads.error())) return leads.error();
        reject({verify::Check::kStructure, leads.error().message()});
        continue;
      }
      for (const auto& lead : *leads) candidates.push_back({referrers[i].first, lead});
    }
    return {};
  }

  /// The keys that are to be asked about a format, each key once.
  std::vector<const verify::Authority*> keys_for(verify::Format format) const {
    std::vector<const verify::Authority*> keys;
    for (const auto* authority : question_.authorities) {
      const bool known = std::ranges::any_of(keys, [&](const auto* other) {
        return other->fingerprint() == authority->fingerprint();
      });
      if (!known && !authority->is_pin() && authority->allows(format)) keys.push_back(authority);
    }
    return keys;
  }

  Result<void> verify(const std::vector<Candidate>& candidates) {
    using Answers = std::vector<std::pair<std::string, std::shared_ptr<const Verified>>>;
    const auto answers = each<Answers>(candidates.size(), [&](std::size_t i) -> Result<Answers> {
      const auto& [place, lead] = candidates[i];
      // What lies at the index may speak of its children.
      std::vector<std::string> subjects{place.subject};
      if (place.subject == facts_.digest) {
        subjects.insert(subjects.end(), children_.begin(), children_.end());
      }
      Answers all;
      for (const auto* authority : keys_for(lead.format)) {
        all.emplace_back(authority->fingerprint(),
                         TRY(reader_.verify(place, lead, *authority, subjects, asker_)));
      }
      return all;
    });
    for (const auto& answer : answers) {
      if (!*answer) {
        if (!is_about_one_candidate(answer->error())) return answer->error();
        reject({verify::Check::kStructure, answer->error().message()});
        continue;
      }
      for (const auto& [fingerprint, verified] : **answer) add(fingerprint, *verified);
    }
    return {};
  }

  void add(const std::string& fingerprint, const Verified& verified) {
    auto& facts = facts_.by_authority[fingerprint];
    facts.claims.insert(facts.claims.end(), verified.claims.begin(), verified.claims.end());
    if (verified.rejected && facts.rejected.size() < kMaxRejected) {
      facts.rejected.push_back(*verified.rejected);
    }
  }

  void reject(const verify::Rejected& rejected) {
    for (auto& [fingerprint, facts] : facts_.by_authority) {
      if (facts.rejected.size() < kMaxRejected) facts.rejected.push_back(rejected);
    }
  }

  Reader& reader_;
  runtime::WorkerPool& pool_;
  const Question& question_;
  const std::chrono::seconds max_age_;
  const Asker& asker_;

  std::vector<EvidenceType> wanted_;
  std::vector<oci::Reference> repositories_;  // the image's own first
  std::vector<std::string> children_;         // digests of all that could run of an index
  policy::ImageFacts facts_;
  steady_clock::time_point oldest_ = steady_clock::time_point::max();
};

}  // namespace

Result<Collected> Collector::collect(const Question& question, std::chrono::seconds max_age,
                                     const Asker& asker) const {
  return Collection(reader_, pool_, question, max_age, asker).run();
}

bool Collector::misses_something(const Question& question, const policy::ImageFacts& facts) {
  const auto wanted = wanted_types(question);
  return std::ranges::any_of(wanted, [&](EvidenceType type) {
    return std::ranges::none_of(question.authorities, [&](const auto* authority) {
      return authority->vouches_for(type) && has_claim(facts, *authority, type);
    });
  });
}

}  // namespace portcullis::evidence
