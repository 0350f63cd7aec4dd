/** What terms mean, and where meanings collide. Source: the event contracts. */
import {
  anyText,
  list,
  oneOf,
  open,
  optional,
  share,
  shared,
  text,
  textRecord,
} from '../values/fields.ts'

const semanticConflictEntry = shared(
  'SemanticConflictEntry',
  open({
    term: text,
    nature: oneOf('overloaded', 'drift', 'ambiguous'),
    severity: oneOf('low', 'medium', 'high'),
    description: anyText,
  }),
)

const strictness = oneOf('off', 'medium', 'max')
const level = oneOf('low', 'medium', 'high')

export const glossary = {
  GlossaryScopeActivated: open({
    mission_id: text,
    scope_id: text,
    scope_type: oneOf('spec_kitty_core', 'team_domain', 'audience_domain', 'mission_local'),
    glossary_version_id: text,
  }),
  TermCandidateObserved: open({
    mission_id: text,
    scope_id: text,
    step_id: text,
    term_surface: text,
    confidence: share,
    actor: text,
    step_metadata: textRecord.default({}),
  }),
  GlossarySenseUpdated: open({
    mission_id: text,
    scope_id: text,
    term_surface: text,
    before_sense: optional(anyText),
    after_sense: text,
    reason: anyText,
    actor: text,
  }),
  GlossaryStrictnessSet: open({
    mission_id: text,
    new_strictness: strictness,
    previous_strictness: optional(strictness),
    actor: text,
  }),
  SemanticCheckEvaluated: open({
    mission_id: text,
    scope_id: text,
    step_id: text,
    conflicts: list(semanticConflictEntry),
    severity: level,
    confidence: share,
    recommended_action: oneOf('block', 'warn', 'pass'),
    effective_strictness: strictness,
    step_metadata: textRecord.default({}),
  }),
  GlossaryClarificationRequested: open({
    mission_id: text,
    scope_id: text,
    step_id: text,
    semantic_check_event_id: text,
    term: text,
    question: anyText,
    options: list(anyText),
    urgency: level,
    actor: text,
  }),
  GlossaryClarificationResolved: open({
    mission_id: text,
    clarification_event_id: text,
    selected_meaning: text,
    actor: text,
  }),
  GenerationBlockedBySemanticConflict: open({
    mission_id: text,
    step_id: text,
    conflict_event_ids: list(anyText, 1),
    blocking_strictness: oneOf('medium', 'max'),
    step_metadata: textRecord.default({}),
  }),
}
