// Command article is a small service with objectives, which can be made slow or failing while it runs.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A fault is what the switch sets: how long an answer takes, and which share of the answers fails.
type fault struct {
	slow time.Duration
	fail float64
}

var (
	port     = flag.Int("port", 8080, "TCP port to listen on")
	leave    = flag.Duration("leave", 500*time.Millisecond, "time between becoming unready and closing the port")
	requests = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total", Help: "Answers by status.",
	}, []string{"status"})
	// The objective is stated at 800 ms, so there must be a bucket at 0.8; the default buckets have none.
	duration = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Time to an answer.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, .8, 1, 2.5, 5, 10},
	})
	current atomic.Pointer[fault]
	ready   atomic.Bool
)

func work(w http.ResponseWriter, r *http.Request) {
	start, now, status := time.Now(), current.Load(), http.StatusOK
	select {
	case <-time.After(now.slow):
	case <-r.Context().Done():
	}
	if rand.Float64() < now.fail {
		status = http.StatusInternalServerError
	}
	duration.Observe(time.Since(start).Seconds())
	requests.WithLabelValues(strconv.Itoa(status)).Inc()
	w.WriteHeader(status)
	fmt.Fprintln(w, http.StatusText(status))
}

func change(w http.ResponseWriter, r *http.Request) {
	slow, wrong := time.ParseDuration(cmp.Or(r.FormValue("slow"), "0s"))
	fail, wrong2 := strconv.ParseFloat(cmp.Or(r.FormValue("fail"), "0"), 64)
	if errors.Join(wrong, wrong2) != nil || slow < 0 || slow > 30*time.Second || !(fail >= 0 && fail <= 1) {
		http.Error(w, "slow is a duration up to 30s, fail is a share from 0 to 1", http.StatusBadRequest)
		return
	}
	current.Store(&fault{slow, fail})
	fmt.Fprintf(w, "slow %v, fail %v\n", slow, fail)
}

func answerReady(w http.ResponseWriter, _ *http.Request) {
	if !ready.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func main() {
	flag.Parse()
	current.Store(&fault{})
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()

	http.HandleFunc("GET /{$}", work)
	http.HandleFunc("POST /switch", change)
	http.HandleFunc("GET /readyz", answerReady)
	http.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	http.Handle("GET /metrics", promhttp.Handler())
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	ready.Store(true)
	log.Printf("listening on %s", listener.Addr())

	<-stop.Done()
	log.Print("stopping: not ready, then waiting for open requests")
	ready.Store(false)
	time.Sleep(*leave) // load balancers need time to notice
	bounded, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	if err := server.Shutdown(bounded); err != nil {
		log.Fatalf("requests were cut off: %v", err)
	}
}
