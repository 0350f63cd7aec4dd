/** One event's way, and what the outbox says of it now: where it is, and what stands in its way. */
import type { EventFate } from '../../client-protocol.ts'
import type { Inspector } from '../inspector.ts'
import { type Fate, isOfLedger, isSettled, stagesAt, stageTime } from '../model/fates.ts'
import { clockTime, duration, visible } from '../../../page/text.ts'

const MEANINGS = {
  stored: 'durable on this machine',
  committed: 'in a commit of the repository',
  sent: 'handed to the link with its batch',
  acknowledged: 'the hub has it, durably',
  refused: 'the hub did not take it',
}

export function FateSide({ inspector }: { readonly inspector: Inspector }) {
  const { eventId } = inspector.view
  const fate = eventId === null ? undefined : inspector.history.fates.get(eventId)
  if (fate === undefined) {
    return <p class="empty">Choose an event (3) to see its way to the hub.</p>
  }
  return (
    <div class="fate" data-testid="fate">
      <h3>{visible(fate.eventType ?? (isOfLedger(fate) ? 'Decision' : 'Event'))}</h3>
      <p class="mono wrap faint">{visible(fate.eventId)}</p>
      <Stages inspector={inspector} fate={fate} />
      <OutboxNow inspector={inspector} fate={fate} />
      <button
        type="button"
        onClick={() => inspector.filter({ words: fate.eventId, actor: null, hidden: new Set() })}
      >
        List all messages of this event
      </button>
    </div>
  )
}

function Stages({ inspector, fate }: { readonly inspector: Inspector; readonly fate: Fate }) {
  const reached = [...stagesAt(fate, inspector.now)].sort(
    ([, one], [, other]) => stageTime(one).mono - stageTime(other).mono,
  )
  let before: number | null = null
  return (
    <ol class="stages">
      {reached.map(([stage, entry]) => {
        const { createdAt, mono } = stageTime(entry)
        const since = before === null ? null : mono - before
        before = mono
        const { commit, batch, reason, final: isFinal } = entry.message
        const details = [
          commit === undefined ? null : `commit ${commit.slice(0, 12)}`,
          batch === undefined ? null : `batch ${batch}`,
          reason ?? null,
          isFinal === true ? 'for good' : null,
        ].filter((one) => one !== null)
        return (
          <li key={stage} class={stage}>
            <button
              type="button"
              class="link"
              title="Look at this moment"
              onClick={() => inspector.goTo(entry.at)}
            >
              {stage}
            </button>
            <span class="mono">{clockTime(createdAt)}</span>
            {since === null ? null : <span class="faint">+{duration(since)}</span>}
            <span class="meaning">{MEANINGS[stage] ?? ''}</span>
            {details.length === 0 ? null : (
              <span class="meaning mono">{visible(details.join(', '))}</span>
            )}
          </li>
        )
      })}
      {isSettled(fate, inspector.now) ? null : (
        <li class="pending">
          <span>{isOfLedger(fate) ? 'not in a commit yet' : 'not at the hub yet'}</span>
        </li>
      )}
    </ol>
  )
}

function OutboxNow({ inspector, fate }: { readonly inspector: Inspector; readonly fate: Fate }) {
  if (inspector.welcome?.source !== 'live') return null
  const found = inspector.fateNow(fate.eventId)
  return (
    <section class="outbox">
      <header>
        <h4>The outbox now</h4>
        <button type="button" class="quiet" onClick={() => inspector.askAgain(fate.eventId)}>
          Ask again
        </button>
      </header>
      {found === 'waiting' ? (
        <p class="faint">Asking …</p>
      ) : 'code' in found ? (
        <p class="faint">
          {visible(found.message)} ({visible(found.code)}). {visible(found.hint ?? '')}
        </p>
      ) : (
        <Found found={found} />
      )}
    </section>
  )
}

function Found({ found }: { readonly found: EventFate }) {
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    ['state', found.state],
    ['attempts', found.attempts],
    ['reason', found.reason],
    ['recorded', found.recordedAt],
  ]
  return (
    <>
      {found.obstacle === null ? null : (
        <p class="obstacle" role="status">
          <b>In its way: {visible(found.obstacle)}</b>
          {found.hint === undefined ? null : <span>{visible(found.hint)}</span>}
        </p>
      )}
      <dl class="facts">
        {rows
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{visible(String(value))}</dd>
            </div>
          ))}
      </dl>
    </>
  )
}
