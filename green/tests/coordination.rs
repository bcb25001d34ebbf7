//! What coroutines coordinate with: channels, selecting, locks and their kin, queues, one value for all.

mod support;

mod coordination {
    mod channel;
    mod channel_callback;
    mod channel_close;
    mod channel_loss;
    mod channel_model;
    mod fan;
    mod group;
    #[cfg(unix)]
    mod hub_faults;
    mod one_waiter;
    mod pool;
    mod pool_limits;
    mod queue;
    mod queue_tasks;
    mod select;
    mod sync_barrier;
    mod sync_condvar;
    mod sync_event;
    mod sync_mutex;
    mod sync_random;
    mod sync_rwlock;
    mod sync_semaphore;
    mod waiters;
}
