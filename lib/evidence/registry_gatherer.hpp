#pragma once

#include <cstddef>
#include <memory>

#include "lib/base/clock.hpp"
#include "lib/evidence/gatherer.hpp"
#include "lib/metrics/registry.hpp"
#include "lib/oci/registry_client.hpp"

namespace portcullis::evidence {

struct GathererOptions {
  std::size_t threads = 16;  ///< They mostly wait for registries.
  std::size_t max_queued = 1024;
  std::size_t max_cache_bytes = 64U << 20;
};

/// The Gatherer that asks registries, with its own threads. All arguments must outlive it; its
/// destructor waits for work under way (30 s at most).
///
/// Metrics: portcullis_gather_total{result}: cached, fetched, failed, late (the deadline came
/// first); portcullis_gather_seconds: how long fetched and failed ones took;
/// portcullis_evidence_cache_bytes.
std::unique_ptr<Gatherer> make_gatherer(oci::RegistryClient& registry, const Clock& clock,
                                        metrics::Registry& metrics,
                                        const GathererOptions& options = {});

}  // namespace portcullis::evidence
