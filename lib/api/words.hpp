#pragma once

#include "lib/api/ai_workload.hpp"
#include "lib/api/field.hpp"
#include "lib/api/requirements.hpp"
#include "lib/api/security_profile.hpp"
#include "lib/api/trust_policy.hpp"

/// The words of every enumeration of our kinds, in enumerator order. Internal to this folder.
namespace portcullis::api {

inline constexpr Word<Mode> kModes[] = {{Mode::kAudit, "Audit"}, {Mode::kEnforce, "Enforce"}};
inline constexpr Word<Declaration> kDeclarations[] = {{Declaration::kContact, "Contact"},
                                                      {Declaration::kPurpose, "Purpose"}};
inline constexpr Word<TagRule> kTagRules[] = {{TagRule::kPin, "Pin"}, {TagRule::kDeny, "Deny"}};
inline constexpr Word<EvidenceType> kEvidenceTypes[] = {{EvidenceType::kSignature, "Signature"},
                                                        {EvidenceType::kScan, "Scan"},
                                                        {EvidenceType::kSBOM, "SBOM"},
                                                        {EvidenceType::kProvenance, "Provenance"},
                                                        {EvidenceType::kVEX, "VEX"}};
inline constexpr Word<Severity> kSeverities[] = {{Severity::kLow, "Low"},
                                                 {Severity::kMedium, "Medium"},
                                                 {Severity::kHigh, "High"},
                                                 {Severity::kCritical, "Critical"}};
inline constexpr Word<UnfixedRule> kUnfixedRules[] = {{UnfixedRule::kIgnore, "Ignore"},
                                                      {UnfixedRule::kFail, "Fail"}};
inline constexpr Word<AllowDeny> kAllowDenies[] = {{AllowDeny::kAllow, "Allow"},
                                                   {AllowDeny::kDeny, "Deny"}};
inline constexpr Word<PodSecurityLevel> kPodSecurityLevels[] = {
    {PodSecurityLevel::kPrivileged, "Privileged"},
    {PodSecurityLevel::kBaseline, "Baseline"},
    {PodSecurityLevel::kRestricted, "Restricted"}};
inline constexpr Word<RootFilesystemRule> kRootFilesystemRules[] = {
    {RootFilesystemRule::kRequired, "Required"}};
inline constexpr Word<Isolation> kIsolations[] = {
    {Isolation::kNone, "None"}, {Isolation::kIngress, "Ingress"}, {Isolation::kFull, "Full"}};
inline constexpr Word<ForeignPolicyRule> kForeignPolicyRules[] = {
    {ForeignPolicyRule::kReport, "Report"}, {ForeignPolicyRule::kDeny, "Deny"}};

inline constexpr Word<DataClassification> kDataClassifications[] = {
    {DataClassification::kPublic, "Public"},
    {DataClassification::kInternal, "Internal"},
    {DataClassification::kConfidential, "Confidential"},
    {DataClassification::kRestricted, "Restricted"}};
inline constexpr Word<RiskClass> kRiskClasses[] = {
    {RiskClass::kMinimal, "Minimal"}, {RiskClass::kLimited, "Limited"}, {RiskClass::kHigh, "High"}};
inline constexpr Word<WithinWorkload> kWithinWorkloads[] = {{WithinWorkload::kAllow, "Allow"},
                                                            {WithinWorkload::kDeny, "Deny"}};
inline constexpr Word<DnsAccess> kDnsAccesses[] = {{DnsAccess::kCluster, "Cluster"},
                                                   {DnsAccess::kNone, "None"}};

inline constexpr Word<SignatureFormat> kSignatureFormats[] = {{SignatureFormat::kBundle, "Bundle"},
                                                              {SignatureFormat::kLegacy, "Legacy"}};
inline constexpr Word<TimeRequirement> kTimeRequirements[] = {
    {TimeRequirement::kTransparencyLog, "TransparencyLog"},
    {TimeRequirement::kTimestamp, "Timestamp"}};

inline constexpr Word<UnselectedPods> kUnselectedPods[] = {{UnselectedPods::kAllow, "Allow"},
                                                           {UnselectedPods::kReport, "Report"},
                                                           {UnselectedPods::kDeny, "Deny"}};
inline constexpr Word<PodSecurityLabels> kPodSecurityLabels[] = {
    {PodSecurityLabels::kNone, "None"},
    {PodSecurityLabels::kWarn, "Warn"},
    {PodSecurityLabels::kEnforce, "Enforce"}};
inline constexpr Word<RunningPods> kRunningPods[] = {{RunningPods::kReport, "Report"},
                                                     {RunningPods::kEvict, "Evict"}};

}  // namespace portcullis::api
