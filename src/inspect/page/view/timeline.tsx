/** Time: stop it, step, scrub; and what was told, filtered and searched. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Inspector } from '../inspector.ts'
import { GROUPS, type Group } from '../model/filter.ts'
import { clockTime, count } from '../../../page/text.ts'
import { stepTo } from '../steps.ts'
import { Density } from './density.tsx'
import { MessageList } from './message-list.tsx'

const SEARCH_REST_MS = 120

export function Timeline({ inspector }: { readonly inspector: Inspector }) {
  const { history, now } = inspector
  const entry = history.at(now)
  return (
    <section class="pane timeline" aria-label="Timeline">
      <header class="pane-head">
        <Transport inspector={inspector} />
        <span class="moment">
          <b class="mono">
            {entry === undefined ? '--:--:--.---' : clockTime(entry.message.createdAt)}
          </b>
          <span class="faint">
            {count(Math.max(0, now + 1))} of {count(history.end)}
          </span>
        </span>
        <Density inspector={inspector} />
      </header>
      <div class="filters">
        <Groups inspector={inspector} />
        <OnlyActor inspector={inspector} />
        <Search inspector={inspector} />
        <span class="faint matches">{count(inspector.rows.length)} shown</span>
      </div>
      <MessageList inspector={inspector} />
    </section>
  )
}

function Transport({ inspector }: { readonly inspector: Inspector }) {
  const { isLive, view } = inspector
  const isTrace = inspector.welcome?.source === 'trace'
  const isRunning = isLive || view.isPlaying
  return (
    <div class="transport" role="group" aria-label="Time">
      <button
        type="button"
        title="To the first (Home)"
        aria-label="First"
        onClick={() => stepTo(inspector, 'first')}
      >
        ⇤
      </button>
      <button
        type="button"
        title="One back (←)"
        aria-label="Step back"
        onClick={() => stepTo(inspector, 'back')}
      >
        ‹
      </button>
      <button
        type="button"
        class="wide"
        title="Hold or go on (Space)"
        aria-label={isRunning ? 'Pause' : 'Play'}
        onClick={() => inspector.togglePause()}
      >
        {isRunning ? '❙❙' : '▶'}
      </button>
      <button
        type="button"
        title="One on (→)"
        aria-label="Step on"
        onClick={() => stepTo(inspector, 'on')}
      >
        ›
      </button>
      <button
        type="button"
        class={isLive ? 'live on' : 'live'}
        aria-pressed={isLive}
        title="To the newest, and stay there (End)"
        onClick={() => inspector.follow()}
      >
        {isTrace ? 'End' : 'Live'}
      </button>
    </div>
  )
}

function Groups({ inspector }: { readonly inspector: Inspector }) {
  const { hidden } = inspector.view.filter
  const toggle = (group: Group) => {
    const next = new Set(hidden)
    if (!next.delete(group)) next.add(group)
    inspector.filter({ hidden: next })
  }
  return (
    <div class="chips" role="group" aria-label="Kinds">
      {GROUPS.map(({ group, label }) => (
        <button
          key={group}
          type="button"
          class="chip"
          aria-pressed={!hidden.has(group)}
          onClick={() => toggle(group)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}

function OnlyActor({ inspector }: { readonly inspector: Inspector }) {
  const { actor, filter } = inspector.view
  const isOnly = filter.actor !== null
  return (
    <button
      type="button"
      class="chip only"
      aria-pressed={isOnly}
      disabled={actor === null}
      title="Only what concerns the chosen actor (O)"
      onClick={() => inspector.filter({ actor: isOnly ? null : actor })}
    >
      Only this actor
    </button>
  )
}

function Search({ inspector }: { readonly inspector: Inspector }) {
  const { words } = inspector.view.filter
  const [typed, setTyped] = useState(words)
  const told = useRef(words)
  useEffect(() => {
    // From elsewhere, as by "show its messages".
    if (words !== told.current) setTyped(words)
    told.current = words
  }, [words])
  useEffect(() => {
    if (typed === told.current) return
    const timer = setTimeout(() => {
      told.current = typed
      inspector.filter({ words: typed })
    }, SEARCH_REST_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <input
      id="search"
      type="search"
      placeholder="Search all that was told  ( / )"
      aria-label="Search"
      spellcheck={false}
      autocomplete="off"
      value={typed}
      onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        setTyped('')
        event.currentTarget.blur()
      }}
    />
  )
}
