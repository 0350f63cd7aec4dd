/** What was asked and decided: the latest first, open questions before all. */
import { counted, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import { isOpen } from '../feed/ledgers.ts'
import type { Decision } from '../model/types.ts'
import { actorName } from '../model/words.ts'
import { Empty, Hash, Search, Waiting, When } from './parts.tsx'

export function DecisionsPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { decisions, faults } = dashboard.ledgers
  return (
    <section class="column" aria-label="Decisions">
      <div class="column-head">
        <Search
          label="Search decisions"
          value={dashboard.search}
          onSearch={(text) => dashboard.searchFor(text)}
        />
        <span class="faint" role="status">
          {decisions === null ? '' : counted(decisions.total, 'decision')}
        </span>
      </div>
      {decisions === null ? (
        <Waiting fault={faults.get('decisions')} />
      ) : (
        <Timeline dashboard={dashboard} decisions={decisions.decisions} />
      )}
      {decisions !== null && decisions.next < decisions.total ? (
        <p class="empty">
          The first {decisions.next} are shown. Search for what is not among them.
        </p>
      ) : null}
    </section>
  )
}

function Timeline({
  dashboard,
  decisions,
}: {
  readonly dashboard: Dashboard
  readonly decisions: readonly Decision[]
}) {
  if (decisions.length === 0) {
    return dashboard.search === '' ? (
      <Empty title="No decision yet">
        Ask one where it is needed: <code>kittiwake decision request --question "…"</code>
      </Empty>
    ) : (
      <Empty title="Nothing mentions this">
        Search for a word of the question, an option, an answer or a name.
      </Empty>
    )
  }
  const latest = decisions.toReversed()
  return (
    <ol class="timeline-list">
      {[...latest.filter(isOpen), ...latest.filter((one) => !isOpen(one))].map((decision) => (
        <DecisionCard
          key={`${decision.mission} ${decision.decision_id}`}
          decision={decision}
          dashboard={dashboard}
        />
      ))}
    </ol>
  )
}

function DecisionCard({
  decision,
  dashboard,
}: {
  readonly decision: Decision
  readonly dashboard: Dashboard
}) {
  const { mission, decision_id, question, options, answer, commit } = decision
  const others = options.filter((option) => option !== answer)
  return (
    <li class={`decision ${isOpen(decision) ? 'open' : ''}`} data-decision={decision_id}>
      <h3 class="wrap">{visible(question)}</h3>
      {answer === null ? (
        <p class="waiting-for">Waiting for an answer</p>
      ) : (
        <p class="answer wrap">{visible(answer)}</p>
      )}
      {others.length === 0 ? null : (
        <ul
          class="options"
          aria-label={answer === null ? 'Options' : 'Options that were not chosen'}
        >
          {others.map((option, at) => (
            <li key={at} class="wrap">
              {visible(option)}
            </li>
          ))}
        </ul>
      )}
      <p class="faint small wrap">
        <button type="button" class="link" onClick={() => dashboard.go({ tab: 'boards', mission })}>
          {visible(mission)}
        </button>{' '}
        · asked by {actorName(decision.requested_by)} <When time={decision.requested_at} />
        {decision.answered_at === null ? null : (
          <>
            {' '}
            · answered by {actorName(decision.answered_by)} <When time={decision.answered_at} />
            {' · '}
            {commit === null ? 'history' : <Hash hash={commit} />}
          </>
        )}
      </p>
    </li>
  )
}
