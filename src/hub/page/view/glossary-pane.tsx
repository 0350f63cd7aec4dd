/** Terms whose meaning was asked for: open ones first. */
import { counted, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import type { Clarification } from '../model/types.ts'
import { Empty, Waiting, When } from './parts.tsx'

export function GlossaryPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { glossary, faults } = dashboard.ledgers
  if (glossary === null) return <Waiting fault={faults.get('glossary')} />
  const { clarifications, open } = glossary
  if (clarifications.length === 0) {
    return (
      <Empty title="No clarification was asked for">
        Where a term is unclear: <code>kittiwake glossary request TERM --question "…"</code>
      </Empty>
    )
  }
  const latest = clarifications.toReversed()
  return (
    <section class="column" aria-label="Glossary">
      <p class="column-title muted">
        {counted(clarifications.length, 'clarification')}, {open} open
      </p>
      <ol class="timeline-list">
        {[...latest.filter(isOpen), ...latest.filter((one) => !isOpen(one))].map((one) => (
          <ClarificationCard key={`${one.mission_id ?? ''} ${one.conflict_id}`} one={one} />
        ))}
      </ol>
    </section>
  )
}

function isOpen({ resolution }: Clarification): boolean {
  return resolution === null
}

function ClarificationCard({ one }: { readonly one: Clarification }) {
  const meaning = meaningOf(one)
  return (
    <li class={`decision ${isOpen(one) ? 'open' : ''}`} data-term={one.term}>
      <h3 class="wrap">
        {visible(one.term)} <span class="faint">{visible(one.question)}</span>
      </h3>
      {isOpen(one) ? (
        <p class="waiting-for">Open, urgency {visible(one.urgency)}</p>
      ) : (
        <p class="answer wrap">{meaning}</p>
      )}
      {isOpen(one) && one.options.length > 0 ? (
        <ul class="options" aria-label="Options">
          {one.options.map((option, at) => (
            <li key={at} class="wrap">
              {visible(option)}
            </li>
          ))}
        </ul>
      ) : null}
      <p class="faint small">
        asked <When time={one.requested_at} />
      </p>
    </li>
  )
}

/** However its writer has said it. */
function meaningOf({ resolution }: Clarification): string {
  const found = Object.values(resolution ?? {}).flatMap((value) =>
    typeof value === 'object' && value !== null && 'definition' in value ? [value.definition] : [],
  )
  const [definition] = found
  return typeof definition === 'string' ? visible(definition) : 'Resolved'
}
