// Questions to the server, one at a time, and never an answer to an old question.
//
// Every question goes into a lane ("words", "marks", ...). While one is under way, a newer
// question of a lane replaces the one that waits there, so five clicks in a second end in one
// answer to all five. Each carries a number; an answer with another number is not ours any more.

export function createBridge(send) {
  const waiting = new Map();
  let sequence = 0;
  let current = null;

  function next() {
    if (current || waiting.size === 0) return;
    const [lane, question] = waiting.entries().next().value;
    waiting.delete(lane);
    sequence += 1;
    current = { ...question, lane, sequence };
    send(question.event, { ...question.payload, seq: sequence });
  }

  function settle(outcome) {
    const question = current;
    current = null;
    question.resolve(outcome);
    next();
  }

  return {
    /** Resolves to {answer}, {failed: true} (no answer came) or {dropped: true}. */
    ask(lane, event, payload, onProgress = () => {}) {
      return new Promise((resolve) => {
        waiting.get(lane)?.resolve({ dropped: true });
        waiting.delete(lane);
        waiting.set(lane, { event, payload, resolve, onProgress });
        next();
      });
    },
    /** A message from the server: {seq, stage, share} while it works, {seq, ...} when it is done. */
    receive(message) {
      if (!current || !message || message.seq !== current.sequence) return;
      if (message.stage) current.onProgress(message.stage, message.share);
      else settle({ answer: message });
    },
    /** The server gave up on the question under way without an answer. */
    fail(event) {
      if (current && current.event === event) settle({ failed: true });
    },
    /** Forget what waits and ignore what is under way (its photo is gone). */
    drop() {
      for (const question of waiting.values()) question.resolve({ dropped: true });
      waiting.clear();
      if (current) current.resolve({ dropped: true });
    },
    get busy() {
      return current !== null;
    },
  };
}
